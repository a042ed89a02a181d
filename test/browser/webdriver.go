package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// session is a session of a driver that speaks W3C WebDriver (https://www.w3.org/TR/webdriver2/).
type session struct {
	client *http.Client
	url    string // of the driver, then of the session
}

// patience is how long a driver may take for a command, such as to start a browser, to load a page, or to look for barriers. A busy machine
// takes a minute.
const patience = 5 * time.Minute

// newSession has the driver at a URL start a browser.
func newSession(driver string, capabilities map[string]any) (*session, error) {
	s := &session{&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}, driver}
	var started struct {
		ID string `json:"sessionId"`
	}
	always := map[string]any{"alwaysMatch": capabilities}
	if err := s.command(http.MethodPost, "/session", map[string]any{"capabilities": always}, &started); err != nil {
		return nil, err
	}
	s.url += "/session/" + started.ID
	return s, nil
}

// command sends a command, and decodes the value of its answer into what the pointer points to, unless it is nil.
func (s *session) command(method, path string, parameters, value any) error {
	var body io.Reader
	if parameters != nil {
		text, err := json.Marshal(parameters)
		if err != nil {
			return fmt.Errorf("encoding the command %s: %w", path, err)
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		return fmt.Errorf("making the command %s: %w", path, err)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("sending the command %s: %w", path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("reading the answer to %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the driver answers %s with %s: %s", path, resp.Status, text)
	}
	if value == nil {
		return nil
	}
	answer := struct {
		Value any `json:"value"`
	}{value}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("decoding the answer to %s: %w", path, err)
	}
	return nil
}
