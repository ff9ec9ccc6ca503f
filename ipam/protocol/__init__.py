"""What agent, API and worker say to each other: one struct for both ends of each conversation.

Agents and APIs of different versions talk. What a reader does not know it ignores, so a field may
be added, but only with a default; a field without one is one that every version has written.
`ignores_unknown` says so of what agents send; in other bodies the API refuses unknown fields.
"""
