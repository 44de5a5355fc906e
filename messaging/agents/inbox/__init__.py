"""The lists of the inbox: what each shows, how a row looks, what is looked for, filters that are kept."""
