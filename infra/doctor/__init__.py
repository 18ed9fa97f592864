"""`hatch run doctor`: in ten lines what runs, what is risky, what is pending."""
