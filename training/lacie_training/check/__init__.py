"""What could fail after hours, found in minutes (`lacie train check`, see `command`): a module for each kind of it."""
