"""Attacks on encrypted fields of Django models, ours or anybody's.

    kinds        what is stored while a field is attacked
    subject      a table with two such columns, and how to reach below the ORM
    attacks      the table of attacks
    expressions  what else may be done with a column; also part of that table
    suite        the same as test methods to inherit: `FieldAttacks`
    database     where the table lies
    plugin       the same for a field that a command line names, with pytest; it runs `attacked`

    pytest -p strongroom.testing.django_fields.plugin --attack-field myapp.fields.EncryptedTextField

Needs Django, and nothing of strongroom: it can measure fields where strongroom's vault is not installed.
"""
