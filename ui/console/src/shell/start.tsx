import { Navigate } from '@tanstack/react-router'
import { Head } from '../components/page.tsx'
import { Empty } from '../components/states.tsx'
import { useWords } from '../language.tsx'
import { shellWords } from '../words/shell.ts'
import { dutiesOf, mayKeepLog } from './duties.ts'
import { useMe } from './me.tsx'

/** The first duty of whoever has come. */
export function Start() {
  const me = useMe()
  const m = useWords(shellWords)
  const first = dutiesOf(me)[0]?.to ?? (mayKeepLog(me) ? '/evidence' : undefined)
  if (first !== undefined) return <Navigate to={first} replace />
  return (
    <>
      <Head title={m.noArea} name={m.noArea} />
      <Empty title={m.noArea}>{m.noAreaLead}</Empty>
    </>
  )
}
