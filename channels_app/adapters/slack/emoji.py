"""Slack's names of the reactions that are used most. Must not hold anything but that: other names, and a
workspace's own, stay as they are written (``:name:``)."""

from __future__ import annotations

EMOJI: dict[str, str] = {
    **dict.fromkeys(("+1", "thumbsup"), "👍"),
    **dict.fromkeys(("-1", "thumbsdown"), "👎"),
    "heart": "❤️",
    "tada": "🎉",
    "joy": "😂",
    "smile": "😄",
    "slightly_smiling_face": "🙂",
    "heart_eyes": "😍",
    "cry": "😢",
    "sob": "😭",
    "disappointed": "😞",
    "rage": "😡",
    "angry": "😠",
    "open_mouth": "😮",
    "thinking_face": "🤔",
    "eyes": "👀",
    "pray": "🙏",
    "clap": "👏",
    "wave": "👋",
    "ok_hand": "👌",
    "raised_hands": "🙌",
    "muscle": "💪",
    "fire": "🔥",
    "rocket": "🚀",
    "100": "💯",
    "star": "⭐",
    "white_check_mark": "✅",
    "heavy_check_mark": "✔️",
    "x": "❌",
    "question": "❓",
    "exclamation": "❗",
    "warning": "⚠️",
}
