"""The subcommands of `lacie`, one module each; part of the command line, so the parts of the house may meet here."""
