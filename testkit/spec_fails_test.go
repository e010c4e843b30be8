package testkit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/thaw-go/thaw/testkit"
)

// wrong is a specification that has to fail once, with a message that says all
// of this.
type wrong struct {
	test func(spec)
	says []string
}

// What is wrong with events.
var wrongEvents = map[string]wrong{
	"an event is dropped":        {func(s spec) { s.When(decided(a, n)).Then(a, b, n) }, []string{"b was never delivered", "want  ^ [abc]", "got   ^ [ac]", `b  EMAIL_SET {"Email":"b"}`}},
	"the last event is dropped":  {func(s spec) { s.When(decided(a)).Then(a, b) }, []string{"b was never delivered"}},
	"all events are dropped":     {func(s spec) { s.Given(n).When(decided()).Then(a) }, []string{"b was never delivered", "want  a ^ b", "got   a ^\n", `b  EMAIL_SET {"Email":"a"}`}},
	"an event too many":          {func(s spec) { s.When(decided(a, b)).Then(a) }, []string{"b came at +1ms and was not wanted", `b  EMAIL_SET {"Email":"b"}`}},
	"events are swapped":         {func(s spec) { s.When(decided(b, a)).Then(a, b) }, []string{"b came before a: wanted ab, came ba"}},
	"an event comes twice":       {func(s spec) { s.When(decided(a, a)).Then(a) }, []string{"a was delivered twice"}},
	"an event comes once":        {func(s spec) { s.When(decided(a)).Then(a, a) }, []string{"a was delivered once", "wanted twice"}},
	"a field is wrong":           {func(s spec) { s.When(decided(b)).Then(a) }, []string{"something else was decided", "b came in the place of a", "want  ^ a", "got   ^ b", "difference", `Email: "a"`, `Email: "b"`}},
	"a field within is wrong":    {func(s spec) { s.When(decided(n)).Then(nameSet{Name: "n", Titles: []string{"Prof"}}) }, []string{`"Prof"`, `"Dr"`}},
	"a zero value came":          {func(s spec) { s.When(decided(emailSet{})).Then(a) }, []string{"in the place of a", `b  EMAIL_SET {"Email":""}`}},
	"a zero value is wanted":     {func(s spec) { s.When(decided(a)).Then(emailSet{}) }, []string{"in the place of a", `a  EMAIL_SET {"Email":""}`}},
	"the type is wrong":          {func(s spec) { s.When(decided(n)).Then(a) }, []string{"in the place of a", "EMAIL_SET", "NAME_SET"}},
	"a history, and its like":    {func(s spec) { s.Given(a, b).When(decided(a)).Then(b) }, []string{"want  a b ^ b", "got   a b ^ a", "a came in the place of b"}},
	"error instead of events":    {func(s spec) { s.When(refused(errOther)).Then(a) }, []string{"the command was refused", "a was never delivered", "want  ^ a", "got   ^ #", "#  other  (*errors.errorString)", "EMAIL_SET"}},
	"error instead of nothing":   {func(s spec) { s.When(refused(errOther)).ThenNothing() }, []string{"the command was refused", `failed at +1ms with "other", which was not wanted`}},
	"events instead of nothing":  {func(s spec) { s.When(decided(a)).ThenNothing() }, []string{"something was decided", "a came at +1ms and was not wanted", "EMAIL_SET"}},
	"a wanted stranger":          {func(s spec) { s.When(decided(a)).Then(stranger{}) }, []string{"a  stranger{}", "EMAIL_SET"}},
	"an unexported field wanted": {func(s spec) { s.When(decided(nameSet{Name: "n"})).Then(nameSet{Name: "n", secret: "x"}) }, []string{"secret"}},

	"a type is wrong":          {func(s spec) { s.When(decided(a)).ThenLike(testkit.OfType[nameSet]()) }, []string{"want type nameSet, got testkit_test.emailSet", "a  any nameSet", "EMAIL_SET"}},
	"a type is missing":        {func(s spec) { s.When(decided(a)).ThenLike(testkit.OfType[emailSet](), testkit.OfType[emailSet]()) }, []string{"was never delivered", "any emailSet"}},
	"a type too many":          {func(s spec) { s.When(decided(a, n)).ThenLike(testkit.OfType[emailSet]()) }, []string{"b came at +1ms and was not wanted", "NAME_SET"}},
	"types are swapped":        {func(s spec) { s.When(decided(n, a)).ThenLike(testkit.OfType[emailSet](), testkit.OfType[nameSet]()) }, []string{"any emailSet", "any nameSet"}},
	"a type, and a refusal":    {func(s spec) { s.When(refused(errOther)).ThenLike(testkit.OfType[emailSet]()) }, []string{"the command was refused", "any emailSet"}},
	"something does not hold":  {func(s spec) { s.When(decided(b)).ThenLike(testkit.Where("the first one", isA)) }, []string{"not the first one", "any emailSet, the first one"}},
	"it holds of another type": {func(s spec) { s.When(decided(n)).ThenLike(testkit.Where("the first one", isA)) }, []string{"want type emailSet, got testkit_test.nameSet"}},
	"to find out panics": {func(s spec) {
		s.When(decided(a)).ThenLike(testkit.Where("fine", func(emailSet) bool { panic("boom") }))
	}, []string{"fine panicked: boom"}},
	"an exact one among them": {func(s spec) { s.When(decided(n, b)).ThenLike(testkit.OfType[nameSet](), testkit.Exactly(a)) }, []string{"another value", `Email: "a"`, `Email: "b"`}},
	"an exact one of a type":  {func(s spec) { s.When(decided(b)).ThenLike(testkit.Exactly(n)) }, []string{"another value", "nameSet", "EMAIL_SET"}},
}

// What is wrong with refusals, states and versions.
var wrongRest = map[string]wrong{
	"the error is another":      {func(s spec) { s.When(refused(errOther)).ThenError(errTaken) }, []string{"failed at +1ms with another error than wanted", "- taken", "+ other"}},
	"only the text is the same": {func(s spec) { s.When(refused(errors.New("taken"))).ThenError(errTaken) }, []string{"refused for another reason", "another error than wanted", "- taken", "+ taken"}},
	"the wrong one is wrapped":  {func(s spec) { s.When(refused(fmt.Errorf("taken: %w", errOther))).ThenError(errTaken) }, []string{"refused for another reason", "another error than wanted", "+ taken: other (*fmt.wrapError)"}},
	"no error":                  {func(s spec) { s.When(decided()).ThenError(errTaken) }, []string{"the command was accepted", `did not fail with "taken"`, "want  ^ #"}},
	"events instead of error":   {func(s spec) { s.When(decided(a)).ThenError(errTaken) }, []string{"the command was accepted", "a came at +1ms and was not wanted", `did not fail with "taken"`}},
	"a wrong type of error":     {func(s spec) { s.When(refused(errOther)).ThenErrorAs(new(*smallError)) }, []string{"another error than wanted: want an error of type *testkit_test.smallError", "+ other (*errors.errorString)"}},
	"a type, and no error":      {func(s spec) { s.When(decided(a)).ThenErrorAs(new(*smallError)) }, []string{"the command was accepted", "did not fail"}},
	"the state is another":      {func(s spec) { s.Given(a).When(decided()).ThenState(7) }, []string{"people/spec  a ^", "the state is another", "b  7", "c  1", `a  EMAIL_SET {"Email":"a"}`}},
	"the state is zero":         {func(s spec) { s.When(decided()).ThenState(7) }, []string{"the state is another", "7", "0"}},
	"a zero state is wanted":    {func(s spec) { s.When(decided(a)).ThenState(0) }, []string{"the state is another", "- \t0", "+ \t1"}},
	"state before a decision":   {func(s spec) { s.Given(a).When(decided(b)).ThenState(1) }, []string{"the state is another", "people/spec  a ^ b"}},
	"state after a refusal":     {func(s spec) { s.Given(a).When(refused(errTaken)).ThenState(2) }, []string{"the state is another", "people/spec  a ^ #"}},
	"the state has not that":    {func(s spec) { s.When(decided(a)).ThenStateWhere("even", func(n int) bool { return n%2 == 0 }) }, []string{"the state is another", "not even"}},
	"to ask the state panics":   {func(s spec) { s.When(decided(a)).ThenStateWhere("even", func(n int) bool { panic("boom") }) }, []string{"even panicked: boom"}},
	"the version is another":    {func(s spec) { s.Given(a).When(decided(b)).ThenVersion(1) }, []string{"the version is another: want 1, got 2", "a ^ b"}},
	"version after a refusal":   {func(s spec) { s.Given(a).When(refused(errTaken)).ThenVersion(2) }, []string{"want 2, got 1", "a ^ #"}},
	"the second of two":         {func(s spec) { s.Given(a).When(decided(b)).Then(b).ThenState(7) }, []string{"the state is another"}},
	"the second command":        {func(s spec) { s.Given(a).When(decided(b)).Then(b).When(decided(b)).Then(n) }, []string{"want  a b ^ c", "got   a b ^ b"}},
}

// What can not be tested at all.
var noOutcome = map[string]wrong{
	"a field is not stored":       {func(s spec) { s.When(decided(unstored{"s", "h"})).Then(unstored{"s", "h"}) }, []string{"decided event 1", "UNSTORED does not come back whole", `"h"`}},
	"a given field is not":        {func(s spec) { s.Given(a, unstored{"s", "h"}).When(decided()).ThenNothing() }, []string{"given event 2", "UNSTORED", `"h"`}},
	"an unexported field":         {func(s spec) { s.When(decided(nameSet{secret: "x"})).Then(nameSet{secret: "x"}) }, []string{"decided event 1", "NAME_SET", "secret"}},
	"a given stranger":            {func(s spec) { s.Given(stranger{}).When(decided()).ThenNothing() }, []string{"given event 1", "stranger", "catalogue"}},
	"a decided stranger":          {func(s spec) { s.When(decided(a, stranger{})).Then(a, stranger{}) }, []string{"decided event 2", "stranger", "catalogue"}},
	"a nil event":                 {func(s spec) { s.When(decided(nil)).Then(nil) }, []string{"decided event 1"}},
	"Decide panics":               {func(s spec) { s.When(told{panics: "boom"}).Then(a) }, []string{"Decide of people/spec panicked: boom", "spec_test.go"}},
	"Decide panics with an error": {func(s spec) { s.When(told{panics: errOther}).ThenError(errOther) }, []string{"Decide of people/spec panicked: other"}},
	"Evolve panics on history":    {func(s spec) { s.Given(emailSet{"explode"}).When(decided()).ThenNothing() }, []string{"Evolve of people/spec panicked: evolve exploded", `a  EMAIL_SET {"Email":"explode"}`}},
	"Evolve panics on decided":    {func(s spec) { s.When(decided(emailSet{"explode"})).ThenState(1) }, []string{"Evolve of people/spec panicked"}},
	"a chain after a panic":       {func(s spec) { s.When(told{panics: "boom"}).Then(a).ThenState(1).ThenNothing() }, []string{"Decide of people/spec panicked"}},
	"commands after a panic":      {func(s spec) { s.When(told{panics: "boom"}).Then(a).When(decided(a)).Then(a) }, []string{"Decide of people/spec panicked"}},
	"stored bytes are no JSON":    {func(s spec) { s.GivenStored("EMAIL_SET", 2, `{`).When(decided()).ThenNothing() }, []string{"EMAIL_SET", "JSON"}},
	"an unknown stored type":      {func(s spec) { s.GivenStored("EMAIL_LOST", 1, `{}`).When(decided()).ThenNothing() }, []string{"EMAIL_LOST", "catalogue"}},
	"an upcaster fails":           {func(s spec) { s.GivenStored("EMAIL_SET", 1, `[]`).When(decided()).ThenNothing() }, []string{"upcast from schema 1"}},
	"time goes back":              {func(s spec) { s.WhenTime(-1).When(decided()).ThenNothing() }, []string{"time does not go back"}},

	"When without Then":          {func(s spec) { s.Given(a).When(decided()) }, []string{"When without a Then", "EMAIL_SET"}},
	"When without Then, later":   {func(s spec) { s.When(decided()).ThenNothing().When(decided()) }, []string{"When without a Then"}},
	"WhenTwice without Then":     {func(s spec) { s.WhenTwice(decided(a)) }, []string{"When without a Then", "twice"}},
	"For without When":           {func(s spec) {}, []string{"For without a When"}},
	"Given without When":         {func(s spec) { s.Given(a) }, []string{"Given without a When"}},
	"Given after the last Then":  {func(s spec) { s.When(decided()).ThenNothing().Given(a) }, []string{"Given without a When"}},
	"GivenStored without When":   {func(s spec) { s.GivenStored("EMAIL_SET", 2, `{}`) }, []string{"GivenStored without a When"}},
	"Meanwhile without When":     {func(s spec) { s.When(decided()).ThenNothing().Meanwhile(a) }, []string{"Meanwhile without a When"}},
	"WhenTime without When":      {func(s spec) { s.WhenTime(1) }, []string{"WhenTime without a When"}},
	"Then without events":        {func(s spec) { s.When(decided()).Then() }, []string{"Then without events: say ThenNothing"}},
	"ThenLike without events":    {func(s spec) { s.When(decided()).ThenLike() }, []string{"ThenLike without events: say ThenNothing"}},
	"ThenError without error":    {func(s spec) { s.When(decided()).ThenError(nil) }, []string{"say Then or ThenNothing"}},
	"ThenErrorAs without target": {func(s spec) { s.When(refused(errOther)).ThenErrorAs(nil) }, []string{"ThenErrorAs(<nil>): want a pointer"}},
	"ThenErrorAs of no error":    {func(s spec) { s.When(refused(errOther)).ThenErrorAs(new(int)) }, []string{"ThenErrorAs(*int): want a pointer"}},
	"ThenErrorAs of a value":     {func(s spec) { s.When(refused(errOther)).ThenErrorAs(&smallError{}) }, []string{"ThenErrorAs(*testkit_test.smallError): want a pointer"}},
}

// Breaks when: an assertion compares nothing, comesBack does not decode or does
// not compare, errors.Is or errors.As gives way to err != nil, guard does not
// recover, or the ledger closes without looking.
func TestSpecFails(t *testing.T) {
	for _, table := range []map[string]wrong{wrongEvents, wrongRest, noOutcome} {
		for claim, c := range table {
			t.Run(claim, func(t *testing.T) {
				wantOne(t, report(t, c.test), c.says...)
			})
		}
	}
}
