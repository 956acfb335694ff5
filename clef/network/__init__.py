"""The networks: session Transformer, report and record encoders, alignment heads."""
