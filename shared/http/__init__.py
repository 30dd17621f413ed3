"""The API side: the app, who may call, commands and their answers, problems, pages."""
