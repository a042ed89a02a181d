<?php
// The front controller of a shop with one list, with Symfony's HttpFoundation. /orders is a page for
// who navigates there, and JSON for who polls it by AJAX. POST adds an order.
//
// ORDERS the file that holds them (default: orders.json beside the folder public)

declare(strict_types=1);

use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\RedirectResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;

// Composer's autoloader, or that of Debian's php-symfony-http-foundation in PHP's include path.
$vendor = __DIR__ . '/../vendor/autoload.php';
require is_file($vendor) ? $vendor : 'Symfony/Component/HttpFoundation/autoload.php';

final class OrderController
{
    public function __construct(private string $file)
    {
    }

    public function list(Request $request): Response
    {
        $orders = $this->read();
        if (!$request->isXmlHttpRequest()) {
            return new Response($this->page());
        }
        $response = new JsonResponse(['orders' => $orders]);
        $response->setVary(['Accept', 'X-Requested-With']);
        $response->setEtag(md5($response->getContent()));
        $response->isNotModified($request); // makes it a 304 without a body if the poll has this ETag

        return $response;
    }

    public function add(Request $request): Response
    {
        $lock = fopen($this->file . '.lock', 'c');
        flock($lock, LOCK_EX);
        $orders = $this->read();
        $orders[] = ['number' => count($orders) + 1, 'item' => $request->request->get('item', 'something')];
        file_put_contents($this->file . '.new', json_encode($orders));
        rename($this->file . '.new', $this->file);

        return new RedirectResponse('/orders', Response::HTTP_SEE_OTHER);
    }

    private function read(): array
    {
        return is_file($this->file) ? json_decode(file_get_contents($this->file), true) : [];
    }

    private function page(): string
    {
        return file_get_contents(__DIR__ . '/../templates/orders.html');
    }
}

$request = Request::createFromGlobals();
$controller = new OrderController(getenv('ORDERS') ?: __DIR__ . '/../orders.json');
$response = match ($request->getMethod() . ' ' . $request->getPathInfo()) {
    'GET /orders' => $controller->list($request),
    'POST /orders' => $controller->add($request),
    'GET /' => new RedirectResponse('/orders'),
    default => new Response('There is no such page.', Response::HTTP_NOT_FOUND),
};
$response->prepare($request)->send();
