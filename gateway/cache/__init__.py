"""Keeps for a while what partners said: aiocache behind one interface (`seam`). Nobody else imports aiocache."""
