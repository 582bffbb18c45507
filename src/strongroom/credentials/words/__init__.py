"""The word list of passphrases: EFF's large one, 7,776 words of 3 to 9 letters, one a line.

By Joseph Bonneau, Electronic Frontier Foundation, 2016 ("EFF's New Wordlists for Random
Passphrases"), under the Creative Commons Attribution 3.0 United States licence. The words
and their order are unchanged; the numbers of dice before them are left out.
"""
