import './console-app.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api.ts'
import { Speaking } from './language.tsx'
import { router } from './router.tsx'
import { lookNow, wear } from './shell/look.ts'

wear(lookNow())
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refuses it refuses again; only silence is worth another try.
      retry: (count, error) => count < 2 && !(error instanceof ApiError),
      refetchOnWindowFocus: true,
    },
  },
})
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Speaking>
        <RouterProvider router={router} />
      </Speaking>
    </QueryClientProvider>
  </StrictMode>,
)
