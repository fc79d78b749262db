// When a session expires, a dialog over the screen asks for the password; what was typed stays where it is, and the
// requests that met the closed door are sent again. Somebody else who signs in here gets a fresh page.
import { Anchor, Modal, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { whenExpired } from "@/api/client";
import { queryClient, sessionQuery, useSession } from "@/api/queries";
import { SignInForm } from "./SignIn";

export function SessionKeeper() {
  const session = useSession();
  const [asking, setAsking] = useState(false);
  const waiting = useRef<{ promise: Promise<void>; resolve: () => void } | null>(null);

  useEffect(() => {
    whenExpired(() => {
      if (!waiting.current) {
        let resolve = () => {};
        const promise = new Promise<void>((done) => {
          resolve = done;
        });
        waiting.current = { promise, resolve };
        setAsking(true);
      }
      return waiting.current.promise;
    });
    return () => whenExpired(null);
  }, []);

  return (
    <Modal zIndex={500} opened={asking} onClose={() => undefined} withCloseButton={false} closeOnClickOutside={false} closeOnEscape={false} title={<Text fw={600}>Your session has ended</Text>} size="sm">
      <Text size="sm" mb="sm">
        Sign in again to go on. Nothing you typed is lost.
      </Text>
      <SignInForm
        who={{ email: session.email ?? "" }}
        to={window.location.pathname + window.location.search}
        onDone={(fresh) => {
          if (fresh.principal !== session.principal) {
            window.location.reload();
            return;
          }
          queryClient.setQueryData(sessionQuery.queryKey, fresh);
          setAsking(false);
          waiting.current?.resolve();
          waiting.current = null;
        }}
      />
      <Text size="xs" c="dimmed" mt="sm">
        You are somebody else? <Anchor href="/sign-in" fz="inherit">Leave this page and sign in</Anchor>.
      </Text>
    </Modal>
  );
}
