"""Settings from the environment, typed. Must not import Django: its settings are made from these."""

from chatsvc.env.reading import BadSettings, read
from chatsvc.env.variables import ALSO, AWAITED, VARIABLES, Variable

__all__ = ["ALSO", "AWAITED", "VARIABLES", "BadSettings", "Variable", "read"]
