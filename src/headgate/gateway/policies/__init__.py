"""Which policies are there? One file each; `headgate.gateway.policy` finds them."""
