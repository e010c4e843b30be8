package operators

type keyedWatcher struct{}

func (w *keyedWatcher) tell(keys []string) {}
