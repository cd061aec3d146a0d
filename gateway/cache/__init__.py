"""What partners said, kept a while: aiocache behind one seam. Nobody else imports aiocache."""
