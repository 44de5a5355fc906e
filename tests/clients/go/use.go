// Uses the client that oapi-codegen made: the same steps as use.py and use.ts.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"example.com/use/chatsvc"
	"github.com/google/uuid"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func holds(fact bool, what string) {
	if !fact {
		panic(what)
	}
}

func ptr[T any](value T) *T { return &value }

func main() {
	ctx := context.Background()
	signed := chatsvc.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Args[2])
		return nil
	})
	client := must(chatsvc.NewClientWithResponses(os.Args[1], signed))

	// What is sent again with its key is stored once.
	message := chatsvc.SendMessageRequest{UserId: "go", Channel: "web",
		Content: chatsvc.ContentRequest{Type: "text", Text: ptr("What are your hours?")}}
	key := chatsvc.MessageSendParams{IdempotencyKey: ptr("go-1")}
	first := must(client.MessageSendWithResponse(ctx, &key, message)).JSON200
	again := must(client.MessageSendWithResponse(ctx, &key, message)).JSON200
	holds(first.Data.MessageId == again.Data.MessageId, "stored once")
	transcript := must(client.ConversationMessageListWithResponse(ctx, first.Data.ConversationId,
		&chatsvc.ConversationMessageListParams{})).JSON200
	said := 0
	for _, item := range transcript.Data.Items {
		if item.Role == "visitor" {
			said++
		}
	}
	holds(said == 1, "said once")

	// A PATCH changes what it names.
	made := must(client.ContactCreateWithResponse(ctx, &chatsvc.ContactCreateParams{},
		chatsvc.ContactBodyRequest{Name: ptr("Mira"), Email: ptr("mira@shop.example")})).JSON201
	changed := must(client.ContactChangeWithResponse(ctx, made.Data.Id, &chatsvc.ContactChangeParams{},
		chatsvc.PatchedContactChangeRequest{Name: ptr("Mira Braun")})).JSON200
	holds(changed.Data.Name == "Mira Braun" && changed.Data.Email == "mira@shop.example", "nothing else changed")

	// Every page of a list, and nothing twice.
	seen := map[uuid.UUID]bool{}
	asked := chatsvc.ContactListParams{PageSize: ptr(1)}
	for {
		page := must(client.ContactListWithResponse(ctx, &asked)).JSON200
		for _, item := range page.Data.Items {
			holds(!seen[item.Id], "nothing twice")
			seen[item.Id] = true
		}
		if asked.Cursor = page.Data.NextCursor; asked.Cursor == nil {
			break
		}
	}
	holds(seen[made.Data.Id] && len(seen) > 1, "all pages")

	// An error is decided by its code.
	missing := must(client.ContactGetWithResponse(ctx, uuid.New(), &chatsvc.ContactGetParams{}))
	holds(missing.JSON404.Error.Code == "contact_not_found", "the code")
	fmt.Println("done")
}
