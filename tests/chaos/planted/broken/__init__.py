"""The broken parts, a module a bug. Each is imported right after the module that it breaks a part of.

None imports a module that binds what it breaks: that one would keep the sound part.
"""
