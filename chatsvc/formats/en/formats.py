"""English: the day before the month's name, a clock of 24 hours. Short enough for a column."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
