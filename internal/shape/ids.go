package shape

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// idNames are what ids are called, in plain spelling; the best ones first. An item's number in its
// sequence is a better cursor than the name of what it is about.
var idNames = []string{
	"seq", "updateid", "eventid", "messageid", "msgid", "modifiedindex", "offset", "id", "uuid", "guid", "index", "number", "no", "key", "ulid", "hash",
}

// notIDs end in what ids end in, and name something else than the item.
var notIDs = []string{
	"parentid", "userid", "authorid", "actorid", "senderid", "ownerid", "roomid", "channelid", "chatid", "groupid", "sessionid", "clientid", "requestid",
	"correlationid", "traceid", "accountid", "customerid", "globalid", "statementid", "pageid", "oldrevid", "processid", "pid", "ppid", "threadid", "serverid",
}

// noID ranks what is not like an id, behind all that is.
var noID = len(idNames) + 10

// IDLike returns the place that most looks like the id of the item that it is in.
func IDLike(places []Place) (Place, bool) {
	if all := IDs(places); len(all) > 0 {
		return all[0], true
	}
	return Place{}, false
}

// IDs returns the places that look like the id of the item that they are in, the likeliest first.
func IDs(places []Place) []Place {
	var all []Place
	for _, p := range places {
		if (p.Value.Type == gjson.Number || p.Value.Type == gjson.String) && p.Value.String() != "" && idRank(p) < noID {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Place) int { return cmp.Compare(idRank(a), idRank(b)) })
	return all
}

// CalledID reports whether a place has one of the names of ids, and does not only end in one.
func CalledID(p Place) bool { return slices.Contains(idNames, plain(p.Key)) }

func idRank(p Place) int {
	name, nested := plain(p.Key), strings.Count(p.Path, ".")
	if slices.Contains(notIDs, name) {
		return noID
	}
	for i, id := range idNames {
		if name == id {
			return i + nested*len(idNames)/2
		}
	}
	if strings.HasSuffix(name, "id") && nested == 0 && strings.ToLower(p.Key) != "paid" {
		return len(idNames) + 5
	}
	return noID
}
