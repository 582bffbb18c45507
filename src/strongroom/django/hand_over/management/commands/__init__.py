"""``manage.py sync_external``"""
