"""What tests stand between: servers and peers that behave or misbehave, targets, apps, and certificates."""
