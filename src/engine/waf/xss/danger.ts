import type { Piece } from './html.ts'

/** Elements that run, load or embed something by themselves, or change how the rest of the page is read. */
const ELEMENTS: ReadonlySet<string> = new Set(
  'applet base comment embed frame frameset handler iframe import isindex link listener meta noscript object script style vmlframe xml xss portal'.split(
    ' ',
  ),
)

/** Attributes whose value is a script, a style with behaviour, a namespace, or the name of another attribute that is changed. */
const ATTRIBUTES: ReadonlySet<string> = new Set(
  'style dynsrc datasrc datafld dataformatas fscommand seeksegmenttime srcdoc'.split(' '),
)
/** Attributes whose value is an address. */
const ADDRESSES: ReadonlySet<string> = new Set(
  'action attributename background by data folder formaction from handler href lowsrc poster src to values xlink:href'.split(
    ' ',
  ),
)

/** Events a browser tells a page about (HTML, SVG, clipboard, pointer, touch, animation, media and old Internet Explorer's own). */
const EVENTS: ReadonlySet<string> = new Set(
  `abort activate afterprint afterscriptexecute afterupdate animationcancel animationend animationiteration animationstart appinstalled
  audioprocess auxclick beforeactivate beforecopy beforecut beforedeactivate beforeeditfocus beforeinput beforeinstallprompt beforematch
  beforepaste beforeprint beforescriptexecute beforetoggle beforeunload beforeupdate begin blur bounce cancel canplay canplaythrough
  cellchange change close click command compositionend compositionstart compositionupdate contentvisibilityautostatechange contextlost
  contextmenu contextrestored controlselect copy cuechange cut dataavailable datasetchanged datasetcomplete dblclick deactivate
  devicelight devicemotion deviceorientation drag dragdrop dragend dragenter dragexit dragleave dragover dragstart drop durationchange
  emptied encrypted end ended error errorupdate filterchange finish focus focusin focusout formchange formdata forminput
  fullscreenchange fullscreenerror gesturechange gestureend gesturestart gotpointercapture hashchange help input invalid keydown
  keypress keyup languagechange layoutcomplete load loadeddata loadedmetadata loadend loadstart losecapture lostpointercapture
  mediacomplete mediaerror message messageerror mousedown mouseenter mouseleave mousemove mouseout mouseover mouseup mousewheel move
  moveend movestart mozfullscreenchange offline online orientationchange outofsync pagehide pagereveal pageshow pageswap paste pause play
  playing pointercancel pointerdown pointerenter pointerleave pointermove pointerout pointerover pointerrawupdate pointerup popstate
  progress propertychange ratechange readystatechange rejectionhandled repeat reset resize resizeend resizestart resume reverse rowdelete
  rowenter rowexit rowinserted rowsenter scroll scrollend scrollsnapchange scrollsnapchanging search securitypolicyviolation seek seeked
  seeking select selectionchange selectstart show slotchange snapchanged stalled start stop storage submit suspend syncrestored
  timeerror timeupdate toggle touchcancel touchend touchmove touchstart trackchange transitioncancel transitionend transitionrun
  transitionstart underflow unhandledrejection unload urlflip volumechange waiting webkitanimationend webkitanimationiteration
  webkitanimationstart webkitfullscreenchange webkitmouseforcechanged webkitmouseforcedown webkitmouseforceup
  webkitmouseforcewillbegin webkitplaybacktargetavailabilitychanged webkitpresentationmodechanged webkittransitionend
  webkitwillrevealbottom wheel zoom`.split(/\s+/),
)

/** A namespace prefix may stand before: `svg:script`, `x:onclick`. */
const local = (name: string): string => name.slice(name.indexOf(':') + 1)

function isDangerousElement(name: string): boolean {
  const bare = local(name)
  return (
    ELEMENTS.has(bare) || bare.startsWith('svg') || bare.startsWith('xsl') || name.startsWith('xsl:') || bare === 'math'
  )
}

const ENTITY = /&(?:#(?:x([0-9a-f]{1,7})|([0-9]{1,8}));?|(colon|tab|newline|lpar|sol);?)/gi
const NAMED: Readonly<Record<string, string>> = { colon: ':', tab: '\t', newline: '\n', lpar: '(', sol: '/' }

/** As a browser reads the beginning of an address: references resolved, controls and white space gone, lower case. */
function schemeOf(value: string): string {
  const decoded = value
    .slice(0, 1_000)
    .replace(ENTITY, (_, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
      if (name !== undefined) return NAMED[name.toLowerCase()]!
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return code < 256 ? String.fromCharCode(code) : ' '
    })
  return [...decoded]
    .filter((sign) => sign > ' ' && sign !== '\x7f' && sign < '\x80')
    .join('')
    .toLowerCase()
}

const isScript = (value: string): boolean => /^(?:java(?:script)?:|vbscript:|data:|view-source:)/.test(schemeOf(value))

function isDangerousAttribute(name: string, value: string | undefined): boolean {
  // A mere word `style` or `onclick` in a text is no attribute; with a value it is.
  if (value === undefined) return false
  const bare = local(name)
  if (bare.startsWith('on') && EVENTS.has(bare.slice(2))) return true
  if (ATTRIBUTES.has(name) || name.startsWith('xmlns')) return true
  if (!ADDRESSES.has(name) && !ADDRESSES.has(bare)) return false
  // SVG's animations name the attribute they set.
  if (bare === 'attributename') return /^(?:on|href|xlink)/i.test(value.trim())
  return isScript(value)
}

// Conditional comments, entities and imports that old browsers act on; a backquote ended a comment there.
const ACTIVE_COMMENT = /`|^\s*\[if|^xml|^\s*(?:import|entity)\b/i

/** Whether one piece of a page can carry a script. */
export function isDangerous(piece: Piece): boolean {
  switch (piece.kind) {
    case 'tag':
      return isDangerousElement(piece.name)
    case 'attribute':
      return isDangerousAttribute(piece.name, piece.value)
    case 'comment':
      return ACTIVE_COMMENT.test(piece.text)
    case 'doctype':
      return true
    case 'instruction':
      return /`|^\?(?:import|xml)/i.test(piece.text)
  }
}
