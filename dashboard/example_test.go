package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-go/troupe/actors"
	"github.com/troupe-go/troupe/dashboard"
)

func Example() {
	system := actor.NewActorSystem()
	pool, err := actors.NewPool(system.Root, func(_ context.Context, n int) (int, error) { return n * n, nil },
		actors.WithName("squares"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	view := dashboard.New(system)
	defer view.Close()
	mux := http.NewServeMux()
	mux.Handle("/troupe/", view)

	page := httptest.NewRecorder()
	mux.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/troupe/", nil))
	fmt.Println(page.Code, page.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}

// Who may change something is for the application to say. Here it is whoever knows a
// password, which is to be served by TLS only.
func ExampleWithControls() {
	system := actor.NewActorSystem()
	view := dashboard.New(system, dashboard.WithControls(), dashboard.WithPayload(func(payload any) string {
		return fmt.Sprintf("%.100v", payload)
	}))
	defer view.Close()
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "operator" || password != "correct horse battery staple" {
			w.Header().Set("WWW-Authenticate", `Basic realm="operators"`)
			http.Error(w, "operators only", http.StatusUnauthorized)
			return
		}
		view.ServeHTTP(w, r)
	})

	page := httptest.NewRecorder()
	guarded.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(page.Code)
	// Output: 401
}
