// A running job writes new iterations and results while somebody looks: the tab notices, and shows them.

const LOOK = 5000; // ms between two looks; only while the tab is seen

/** Calls `changed` when the study on disk is no longer the one of the view, until the returned function is called. */
export function watchStudy(host, view, changed) {
  const address = `/study/${encodeURIComponent(view.study)}/stamp`;
  const seen = () => !document.hidden && host.offsetParent !== null && !host.querySelector("dialog[open]");

  async function look() {
    if (!seen()) return;
    try {
      const { stamp } = await (await fetch(address)).json();
      if (stamp && stamp !== view.stamp && seen()) changed();
    } catch {
      return; // the server is away: the next look may find it again
    }
  }

  const timer = setInterval(look, LOOK);
  return () => clearInterval(timer);
}
