"""SHOWS: the window, the tray and everything a person sees. The only package that knows Qt.

tokens · stylesheet · theme · assets · icons     how it looks, in one place
application                                      the process: name, icon, language, quit rules
bridge                                           client → signals; clicks → tasks; failures → messages
base · widgets/                                  what pages are made of
tray · window · pages/ · switcher · dialogs      what a person sees
messages                                         which sentence is shown for which failure
"""
