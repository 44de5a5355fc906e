/**
 * The chat as a React component: <Chat service="https://chat.example.com" channel="web_key" proof={proof} />.
 * It has no element of its own; the widget stands beside your app. React may mount it twice in development (StrictMode):
 * what was begun is destroyed, and begun again.
 */

import { useEffect, useRef } from "react";

export function Chat({ service, channel, proof = null, color, onUnread }) {
  useEffect(() => {
    const script = document.createElement("script");
    script.src = `${service}/static/widget/widget.js`;
    script.dataset.channel = channel;
    if (color) script.dataset.color = color;
    window.DeskChat ||= []; // what is called before the script has loaded waits here
    document.head.append(script);
    return () => {
      script.remove();
      window.DeskChat.push(["destroy"]);
    };
  }, [service, channel, color]);

  useEffect(() => {
    if (onUnread) window.DeskChat.push(["on", "unread", onUnread]);
  }, [service, channel, color, onUnread]);

  // Your server signs who is logged in (docs/channels/web.md); without a proof the visitor is anonymous.
  const known = useRef(null);
  useEffect(() => {
    if (proof) window.DeskChat.push(["identify", proof]);
    else if (known.current) window.DeskChat.push(["logout"]);
    known.current = proof;
  }, [service, channel, proof]);

  return null;
}
