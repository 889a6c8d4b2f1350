"""Routes of mail."""

from django.urls import path

from apps.mail.views import take_events

root_urls = [path("mail/events/<str:signed>", take_events, name="mail_events")]
