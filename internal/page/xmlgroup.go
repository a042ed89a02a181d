package page

import "errors"

const (
	// maxSearched is how many runs are compared with each other, which takes no memory.
	maxSearched = 8
	// nameSize is about what a name takes in a map.
	nameSize = 128
)

// group puts runs of one name together that others stand between, where the first of them is.
func (w *xmlWriter) group() error {
	e := &w.open[w.depth-1]
	apart, err := w.link(e.runs)
	if err != nil || !apart {
		return err
	}
	text := w.out.text
	size := len(text) - e.start
	if w.moves -= size; w.moves < 0 {
		return errors.New("elements of one name stand apart at too many levels")
	}
	if err := w.afford(size, "elements of one name stand apart in a large one"); err != nil {
		return err
	}
	w.out.beside += size
	grouped := make([]byte, 0, size)
	for i, first := range e.runs {
		if first.linked {
			continue
		}
		if i > 0 {
			grouped = append(grouped, ',')
		}
		grouped = append(grouped, text[first.start:first.value-1]...)
		several := first.several || first.next > 0
		if several {
			grouped = append(grouped, '[')
		}
		grouped = append(grouped, text[first.value:first.after]...)
		for k := first.next; k > 0; k = e.runs[k].next {
			grouped = append(grouped, ',')
			grouped = append(grouped, text[e.runs[k].value:e.runs[k].after]...)
		}
		if several {
			grouped = append(grouped, ']')
		}
	}
	w.out.text = text[:e.start+1+copy(text[e.start+1:], grouped)]
	return nil
}

// link links the runs of one name, and reports whether there are such.
func (w *xmlWriter) link(runs []run) (apart bool, err error) {
	if len(runs) <= maxSearched {
		for i := range runs {
			for k := i - 1; k >= 0 && !runs[i].linked; k-- {
				if w.isCalled(runs[k], w.name(runs[i])) {
					runs[k].next, runs[i].linked, apart = uint32(i), true, true
				}
			}
		}
		return apart, nil
	}
	last := map[string]uint32{}
	for i := range runs {
		if k, ok := last[string(w.name(runs[i]))]; ok {
			runs[k].next, runs[i].linked, apart = uint32(i), true, true
		} else if err := w.afford(nameSize*(len(last)+1), "too many elements of different names stand side by side"); err != nil {
			return false, err
		}
		last[string(w.name(runs[i]))] = uint32(i)
	}
	return apart, nil
}
