// The doors: sign in with a password or at the identity provider, and the one-time code of the first owner or an
// invited person.
import { Anchor, Button, Divider, PasswordInput, TextInput } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, ok } from "@/api/client";
import { ApiProblem, faultAt } from "@/api/problems";
import { type Session, queryClient, sessionQuery } from "@/api/queries";
import { Problem } from "@/parts/Says";
import css from "./frame.module.css";
import { fields, text, useUrl } from "./url";

export const signInSearch = fields({ to: text });

/** Only a path of this console: never another host. */
export function ownPath(to: string | undefined): string {
  return to && /^\/(?![/\\])/.test(to) ? to : "/";
}

function Door({ title, children, note }: { title: string; children: React.ReactNode; note?: React.ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Fairlead`;
  }, [title]);
  return (
    <main className={css.door}>
      <div className={css.doorBox}>
        <h1 className={css.doorTitle}>
          <img src="/mark.svg" width={28} height={28} alt="" /> {title}
        </h1>
        <div className={css.doorForm}>{children}</div>
        {note && <p className={css.doorNote}>{note}</p>}
      </div>
    </main>
  );
}

export function SignInPage() {
  const [{ to }] = useUrl(signInSearch);
  const navigate = useNavigate();
  return (
    <Door
      title="Sign in to Fairlead"
      note={
        <>
          You have a one-time code? <Anchor component={Link} to="/setup" fz="inherit">Use it here</Anchor>. The first owner's code was printed when Fairlead started for the first time.
        </>
      }
    >
      <SignInForm
        to={ownPath(to)}
        onDone={(session) => {
          queryClient.clear();
          queryClient.setQueryData(sessionQuery.queryKey, session);
          void navigate({ href: ownPath(to), replace: true });
        }}
      />
    </Door>
  );
}

interface FormProps {
  onDone: (session: Session) => void;
  /** Where the identity provider sends the browser afterwards. */
  to: string;
  /** When the person is known already: only the password is asked. */
  who?: { tenant?: string; email: string };
}

export function SignInForm({ onDone, to, who }: FormProps) {
  const [known, setKnown] = useLocalStorage({ key: "fairlead-tenant", defaultValue: "", getInitialValueInEffect: false });
  const [tenant, setTenant] = useState(who?.tenant ?? known);
  const [email, setEmail] = useState(who?.email ?? "");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);

  async function enter() {
    setBusy(true);
    setProblem(null);
    try {
      const session = await ok(api.POST("/v1/session", { body: { tenant: tenant.trim(), email: email.trim(), password } }));
      setKnown(tenant.trim());
      onDone(session);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  async function provider() {
    setProblem(null);
    const path = `/v1/oidc/start?${new URLSearchParams({ tenant: tenant.trim(), return_to: to })}`;
    try {
      // A provider answers with a way out of here; without one the API says so, and we stay.
      const answer = await fetch(path, { redirect: "manual", credentials: "same-origin" });
      if (answer.type !== "opaqueredirect") {
        throw new ApiProblem(answer.status, (await answer.json()) as Record<string, unknown>);
      }
      setKnown(tenant.trim());
      window.location.assign(path);
    } catch (error) {
      setProblem(error);
    }
  }

  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        void enter();
      }}
    >
      <TextInput label="Tenant" name="tenant" value={tenant} onChange={(event) => setTenant(event.currentTarget.value)} autoComplete="organization" spellCheck={false} autoCapitalize="none" required autoFocus={!who && !tenant} />
      <TextInput label="E-mail" name="email" type="email" value={email} onChange={(event) => setEmail(event.currentTarget.value)} autoComplete="username" required readOnly={who !== undefined} autoFocus={!who && tenant !== ""} />
      <PasswordInput label="Password" name="password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required autoFocus={who !== undefined} data-autofocus={who !== undefined || undefined} />
      {problem !== null && <Problem error={problem} />}
      <Button type="submit" size="sm" loading={busy} mt={4}>
        Sign in
      </Button>
      <Divider label="or" labelPosition="center" />
      <Button variant="default" size="sm" onClick={() => void provider()} disabled={tenant.trim() === ""}>
        Sign in at your identity provider
      </Button>
    </form>
  );
}

/** The code may come in the fragment, which browsers never send anywhere: `/setup#flc_…` */
export function SetupPage() {
  const navigate = useNavigate();
  const [code, setCode] = useState(() => window.location.hash.slice(1));
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);

  async function redeem() {
    setBusy(true);
    setProblem(null);
    try {
      const session = await ok(
        api.POST("/v1/setup", { body: { code: code.trim(), password, name: name.trim() || null, email: email.trim() || null } }),
      );
      queryClient.clear();
      queryClient.setQueryData(sessionQuery.queryKey, session);
      void navigate({ to: "/", replace: true });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Door
      title="Use a one-time code"
      note={
        <>
          You have a password already? <Anchor component={Link} to="/sign-in" fz="inherit">Sign in</Anchor>.
        </>
      }
    >
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          void redeem();
        }}
      >
        <TextInput label="Code" description="flc_…, printed once or handed to you" value={code} onChange={(event) => setCode(event.currentTarget.value)} error={faultAt(problem, "/code")} autoComplete="one-time-code" spellCheck={false} required autoFocus={!code} />
        <TextInput label="Your name" description="First owner only; who was invited has one" value={name} onChange={(event) => setName(event.currentTarget.value)} error={faultAt(problem, "/name")} autoComplete="name" />
        <TextInput label="Your e-mail" description="First owner only" type="email" value={email} onChange={(event) => setEmail(event.currentTarget.value)} error={faultAt(problem, "/email")} autoComplete="username" />
        <PasswordInput label="A password of your choice" description="At least 12 characters" value={password} onChange={(event) => setPassword(event.currentTarget.value)} error={faultAt(problem, "/password")} autoComplete="new-password" required />
        {problem !== null && <Problem error={problem} />}
        <Button type="submit" size="sm" loading={busy} mt={4}>
          Go in
        </Button>
      </form>
    </Door>
  );
}
