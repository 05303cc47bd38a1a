// New refusals appear at the top of the list as they happen. Without this script the list is read by reloading.
const list = document.querySelector('[data-live]')
if (list) {
  const source = new EventSource('/refusals/live')
  const state = document.getElementById('live-state')
  source.addEventListener('open', () => state?.classList.add('run'))
  source.addEventListener('error', () => state?.classList.remove('run'))
  source.addEventListener('refusal', (event) => {
    const { row, missed } = JSON.parse(event.data)
    if (missed > 0 && state) state.dataset.missed = `+${missed}`
    const holder = document.createElement('template')
    // Rendered and escaped by our own server, the same text as in the page.
    holder.innerHTML = row
    const fresh = holder.content.firstElementChild
    if (!fresh || list.querySelector(`[data-id="${fresh.dataset.id}"]`)) return
    list.prepend(fresh)
    document.getElementById('none')?.remove()
    while (list.children.length > 200) list.lastElementChild.remove()
  })
}
