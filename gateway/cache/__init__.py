"""Keeps for a while what partners said: aiocache behind one interface (`interface.py`). Nobody else imports aiocache."""
