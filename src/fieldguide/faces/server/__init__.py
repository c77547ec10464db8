"""The server: models behind HTTP, every answer logged before it is sent.

Knows what stands where: `app` who is let in, `handlers` what is done at each path, `bodies` what a request may hold, `answers` what is sent back, `arms` who answers,
`engine` when and how many at once, `limits` how often, `openapi` and `metrics` what the server tells of itself. How rows are
read and answered is `core.answering`'s, where the log lies `parts.stores`'s.
"""
