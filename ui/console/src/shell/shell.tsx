import { Dialog } from '@base-ui/react/dialog'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { Icon } from '../components/icon.tsx'
import { Failed, Loading } from '../components/states.tsx'
import { Toasting } from '../components/toast.tsx'
import { useWords } from '../language.tsx'
import { shellWords } from '../words/shell.ts'
import { useKeys } from './keys.tsx'
import { Being, useMeCall } from './me.tsx'
import { Parts, Rail } from './rail.tsx'
import { TopBar } from './top-bar.tsx'

/** The frame of every page. Until it is known who is there, and on a sealed node, it is the page. */
export function Shell() {
  const m = useWords(shellWords)
  const me = useMeCall()
  if (!me.data)
    return (
      <main id="main" className="alone">
        <h1 className="vh">Khiên</h1>
        {me.error ? <Failed error={me.error} again={() => void me.refetch()} /> : <Loading />}
      </main>
    )
  return (
    <Being me={me.data}>
      <Toasting>
        <a className="skip" href="#main">
          {m.skip}
        </a>
        <Rail />
        <TopBar />
        <Main demoKey={me.data.node.demoKey} />
        <Help />
      </Toasting>
    </Being>
  )
}

function Main({ demoKey }: { readonly demoKey: boolean }) {
  const m = useWords(shellWords)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  // A new page is read from its top, as after a link of an ordinary page.
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true })
    first.current = false
    window.scrollTo(0, 0)
  }, [path])
  return (
    <main id="main" tabIndex={-1} ref={main}>
      <Parts />
      {demoKey ? (
        <p className="warnline demo-key">
          <Icon name="alert" />
          {m.demoKey}
        </p>
      ) : null}
      <Outlet />
    </main>
  )
}

const KEYS = [
  ['j', 'next'],
  ['k', 'previous'],
  ['Enter', 'open'],
  ['x', 'select'],
  ['e', 'act'],
  ['/', 'filter'],
  ['g', 'search'],
  ['?', 'help'],
] as const
function Help() {
  const m = useWords(shellWords)
  const [open, setOpen] = useState(false)
  useKeys({ '?': () => setOpen(true) })
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Portal>
        <Dialog.Backdrop className="veil" />
        <Dialog.Popup className="dlg">
          <div className="dlg-body">
            <Dialog.Title>{m.keys}</Dialog.Title>
            <dl className="facts">
              {KEYS.map(([key, what]) => [
                <dt key={key}>
                  <kbd>{key}</kbd>
                </dt>,
                <dd key={what}>{m.keysHelp[what]}</dd>,
              ])}
            </dl>
            <div className="end">
              <Dialog.Close className="btn">{m.close}</Dialog.Close>
            </div>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
