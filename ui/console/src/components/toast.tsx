import { Toast } from '@base-ui/react/toast'
import type { ReactNode } from 'react'

/** Six seconds, longer under the pointer or focus; small done things only, never errors. */
export const Toasting = ({ children }: { readonly children: ReactNode }) => (
  <Toast.Provider timeout={6_000} limit={2}>
    {children}
    <Toast.Portal>
      <Toast.Viewport className="toasts">
        <List />
      </Toast.Viewport>
    </Toast.Portal>
  </Toast.Provider>
)

function List() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast">
      <Toast.Content>
        <Toast.Title render={<p />} />
      </Toast.Content>
    </Toast.Root>
  ))
}

export function useToast(): (text: string) => void {
  const manager = Toast.useToastManager()
  return (title) => void manager.add({ title })
}
