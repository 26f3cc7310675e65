-- What a project's author wrote is a SELECT; here the server holds it to that.
set transaction read only
