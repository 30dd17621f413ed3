// The page stays as it should be: what has changed is put in, part by part; what somebody is at stays.
(() => {
  'use strict'
  if (!window.EventSource) return
  const shown = document.getElementById('live')
  const say = on => {
    const live = document.getElementById('live')
    live.hidden = false
    for (const one of live.children) one.hidden = (one.dataset.live === 'on') !== on
  }
  const renew = async () => {
    const answer = await fetch(location.href)
    if (!answer.ok) return
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const ids = page => [...page.querySelectorAll('.cards')].map(one => [...one.children].map(card => card.id).join()).join(';')
    if (ids(fresh) !== ids(document)) {
      document.querySelector('main').replaceWith(fresh.querySelector('main'))
      say(true)
      return
    }
    for (const part of fresh.querySelectorAll('#made, #moved, .figure')) {
      const old = document.getElementById(part.id)
      const rows = old && old.querySelector('details')
      if (!old || old.contains(document.activeElement)) continue
      if (rows && rows.open) part.querySelector('details').open = true
      if (!old.isEqualNode(part)) old.replaceWith(part)
    }
  }
  const source = new EventSource(shown.dataset.source)
  source.addEventListener('open', () => say(true))
  source.addEventListener('error', () => say(false))
  source.addEventListener('changed', () => renew().catch(() => say(false)))
  addEventListener('pagehide', () => source.close())
})()
