"""``manage.py strongroom``"""
