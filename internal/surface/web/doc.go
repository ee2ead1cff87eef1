// Package web is the HTTP kit that every surface is written with: endpoints that are typed functions, strict decoding,
// problem answers, routing with 404 and 405, client addresses through trusted proxies, request ids, one log event a
// request, metrics and time budgets.
//
// It owns how HTTP is spoken, and the catalogue of error codes. It leaves to others what is said: the surfaces own
// their operations, server/ owns the URL table and the listeners, surface/reference turns the same operations into the
// OpenAPI document.
//
// Personal data: the request log carries the client's address and its User-Agent (Device). Whoever runs the server
// answers for how long such logs are kept. Query strings, bodies, header values and raw paths are never logged.
package web
