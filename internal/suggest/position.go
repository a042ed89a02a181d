package suggest

// cursor is how the position goes back to the endpoint.
type cursor struct {
	name  string // of the parameter
	from  string // the path in the answer's body; empty where it is the last item's id
	next  bool   // the id after it is asked for
	given string // what the URL has there
	held  bool   // requests with it were held until there was something
	why   string
}

// sent is what polls send of it.
func (c *cursor) sent() string {
	if c.next {
		return "{sse.cursor+1}"
	}
	return "{sse.cursor}"
}
