// The views of studies, as the server gives them: by the header's choice, or, while there is no header yet, by the page's
// own address.

const openingView = fetchView(`/opening/iterations${location.search}`); // asked for before Gradio has built the page

/** The view that the page opens with; the header will choose the same. */
export function viewOfAddress() {
  return openingView;
}

/** The view of a choice {study, encoder, reference}: never an older one, except the first time. */
export async function viewOf(choice, isFirst) {
  const opening = isFirst ? await openingView : null;
  if (opening && isSame(choiceOf(opening), choice)) return opening;
  const query = new URLSearchParams({ encoder: choice.encoder ?? "", reference: choice.reference ?? "train" });
  return fetchView(`/study/${encodeURIComponent(choice.study ?? "-")}/iterations?${query}`);
}

/** The choice that a view is of. */
export function choiceOf(view) {
  return { study: view.study ?? null, encoder: view.encoder ?? null, reference: view.referenceSplit === "test" ? "held_out" : "train" };
}

function isSame(one, other) {
  return ["study", "encoder", "reference"].every((name) => one[name] === (other[name] ?? null));
}

async function fetchView(address) {
  try {
    const answer = await fetch(address);
    const view = await answer.json();
    return view.error ? nothing("This study cannot be read", view.error) : view;
  } catch {
    return nothing("No answer from PolypStudio", "Is it still running? Reload the page.");
  }
}

function nothing(title, text) {
  return { error: text, iterations: [], empty: { title, text } };
}
