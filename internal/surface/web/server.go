package web

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits are the time limits of connections and the size limit of headers. Zero values are replaced by defaults.
type Limits struct {
	ReadHeader time.Duration // 5 s: from the first byte to the end of the header
	Read       time.Duration // 15 s: the whole request
	Write      time.Duration // 30 s: from the end of the header to the end of the answer; above every budget
	Idle       time.Duration // 120 s: between two requests of a connection
	Header     int           // 16 KiB: request line and header
}

// Server makes the *http.Server for a handler of NewHandler: HTTP/1.1, and HTTP/2 where a listener speaks TLS. It does
// not listen. What net/http refuses by itself (a header that is too large or malformed) is answered by it in plain text
// before the kit sees it; its complaints go to the log.
func Server(handler http.Handler, logger *slog.Logger, limits Limits) *http.Server {
	return &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            orElse(limits.ReadHeader, 5*time.Second),
		ReadTimeout:                  orElse(limits.Read, 15*time.Second),
		WriteTimeout:                 orElse(limits.Write, 30*time.Second),
		IdleTimeout:                  orElse(limits.Idle, 120*time.Second),
		MaxHeaderBytes:               orElse(limits.Header, 16<<10),
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		DisableGeneralOptionsHandler: true, // OPTIONS * gets the kit's answer
	}
}

func orElse[T time.Duration | int](v, standard T) T {
	if v <= 0 {
		return standard
	}
	return v
}
