"""What any process runs with: settings, configuration files, telemetry, tracing."""
