/** A page that shows the component: two views without a page load between them, and a login. */

import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Chat } from "./Chat.jsx";

function Shop({ service, channel }) {
  const [view, setView] = useState("Lamps");
  const [unread, setUnread] = useState(0);
  const [isShown, setShown] = useState(true);
  const [proof, setProof] = useState(null);
  const logIn = async () => setProof(await fetch("/chat-proof?user=ada").then((answer) => answer.json()));
  return (
    <main>
      <h1>{view}</h1>
      <nav>
        {["Lamps", "Tents"].map((name) => (
          <button key={name} onClick={() => { history.pushState({}, "", `/${name.toLowerCase()}`); setView(name); }}>
            {name}
          </button>
        ))}
        <button onClick={() => setShown(!isShown)}>{isShown ? "No chat" : "Chat"}</button>
        {proof ? <button onClick={() => setProof(null)}>Log out</button> : <button onClick={logIn}>Log in</button>}
      </nav>
      <p role="status">{unread ? `${unread} new answers` : "No new answers"}</p>
      {isShown && <Chat service={service} channel={channel} proof={proof} onUnread={setUnread} />}
    </main>
  );
}

const root = document.querySelector("#root");
createRoot(root).render(<StrictMode><Shop {...root.dataset} /></StrictMode>);
