"""The kit of whoever connects a partner: cases as files, a check that reads them as the gateway would, a scaffold. Serves
nobody."""
