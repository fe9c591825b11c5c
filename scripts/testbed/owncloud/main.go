// Package main is ownCloud Infinite Scale, and an identity provider beside it that believes everybody: the bearer token
// `einstein` is the account of that name. With a password each request costs the server 60 ms of a core.
package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"

	"github.com/owncloud/ocis/v2/ocis/pkg/command"
)

func main() {
	if issuer := os.Getenv("OCIS_OIDC_ISSUER"); len(os.Args) > 1 && os.Args[1] == "server" {
		go serveIdentities(issuer)
	}
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}

func serveIdentities(issuer string) {
	answer := func(w http.ResponseWriter, body map[string]interface{}) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]interface{}{"issuer": issuer, "userinfo_endpoint": issuer + "/userinfo", "jwks_uri": issuer + "/keys"})
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		answer(w, map[string]interface{}{"sub": name, "preferred_username": name})
	})
	if err := http.ListenAndServe(strings.TrimPrefix(issuer, "http://"), mux); err != nil {
		panic(err)
	}
}
