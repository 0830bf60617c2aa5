"""Which of several ordered conditions can never decide: told apart where that can be told for certain.

Understood are comparisons of documented fields and labels with literals, `in` lists of them, `has`, and `&&`,
`||`, `!` over all that. Anything else counts as what may hold or not, so that nothing is ever reported falsely.
"""
