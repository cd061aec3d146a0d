"""What measures and draws the code of the project. The product never imports it."""
