"""Copies what lies in a former storage or secret backend into the present one."""
