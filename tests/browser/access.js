() => {
  // What is wrong with the page for who cannot see, point or read well: sentences, none where all is well.
  const faults = []
  const say = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 100)}`)
  const all = (selector, within = document) => [...within.querySelectorAll(selector)]
  const shown = element => element.getClientRects().length > 0

  const rgb = text => text.match(/[\d.]+/g).map(Number)
  const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
  }
  const ratio = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a)
    return (high + 0.05) / (low + 0.05)
  }
  const behind = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor)
      if (colour.length < 4 || colour[3] === 1) return colour
      if (colour[3] !== 0) say('see-through background', one)
    }
    return [255, 255, 255]
  }

  if (!document.documentElement.lang) faults.push('no language')
  if (!document.title.trim()) faults.push('no title')
  if (all('h1').length !== 1) faults.push(`${all('h1').length} h1`)
  if (all('main').length !== 1) faults.push('not one main')
  const ids = all('[id]').map(element => element.id)
  if (new Set(ids).size !== ids.length) faults.push('an id twice')
  for (const element of all('[aria-describedby], [aria-labelledby]'))
    for (const name of ['aria-describedby', 'aria-labelledby'])
      for (const id of (element.getAttribute(name) || '').split(' ').filter(Boolean))
        if (!document.getElementById(id)) say(`${name} of nothing`, element)
  let level = 0
  for (const heading of all('h1, h2, h3, h4')) {
    const now = Number(heading.tagName[1])
    if (now > level + 1) say('a level of headings left out', heading)
    level = now
  }

  for (const control of all('input:not([type=hidden]), select, textarea')) {
    const label = [...control.labels].map(one => one.textContent.trim()).join('')
    if (!label) say('no label', control)
    if (['radio', 'checkbox'].includes(control.type) && !control.closest('fieldset')?.querySelector('legend')?.textContent.trim())
      say('in no group with a name', control)
  }
  for (const one of all('button, a')) if (!one.textContent.trim()) say('no text', one)

  for (const one of all('button, a, select, textarea, label:has(> input)')) {
    const { width, height } = one.getBoundingClientRect()
    if (width < 44 || height < 44) say(`a target of ${Math.round(width)} by ${Math.round(height)}`, one)
  }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || !shown(element) || element.closest('option, style')) continue
    const found = ratio(rgb(getComputedStyle(element).color), behind(element))
    if (found < 4.5) say(`text of contrast ${found.toFixed(2)}`, element)
  }
  for (const one of all('.scale span, textarea, select, button')) {
    const style = getComputedStyle(one)
    const found = Math.max(
      ratio(rgb(style.borderTopColor), behind(one.parentElement)),
      ratio(behind(one), behind(one.parentElement)),
    )
    if (found < 3) say(`an edge of contrast ${found.toFixed(2)}`, one)
  }

  const wide = document.documentElement.scrollWidth - innerWidth
  if (wide > 0) faults.push(`${wide} px too wide`)
  if (all('[style], script, img, iframe, link').length) say('what no page needs', all('[style], script, img, iframe, link')[0])
  return faults
}
