"""What agent, API and worker say to each other: one struct for both ends of each conversation.

Agents and APIs of different versions talk to each other. A reader ignores unknown fields, so a new
field needs a default. A field without a default is one that every version has written. The structs
that agents send are marked `ignores_unknown`; in other bodies the API refuses unknown fields.
"""
